-- 1 name. Columns: value
select value from errand_meta where name = ?1;
