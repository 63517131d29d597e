-- 1 queue, 2 paused
insert into errand_queues (name, paused) values (?1, ?2) on conflict (name) do update set paused = ?2;
