-- 1 queue, 2 name. Columns: schedules.*. By the primary key.
select * from errand_schedules where queue = ?1 and name = ?2;
