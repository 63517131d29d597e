-- 1 queue, 2 name. Columns: version. By the primary key.
select version from errand_schedules where queue = ?1 and name = ?2;
