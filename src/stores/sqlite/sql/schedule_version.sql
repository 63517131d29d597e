-- 1 queue, 2 name. Columns: version. By the primary key.
select version from schedules where queue = ?1 and name = ?2;
