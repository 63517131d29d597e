-- 1 name, 2 value
insert into errand_meta (name, value) values (?1, ?2) on conflict (name) do update set value = ?2;
