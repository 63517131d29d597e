-- 1 queue, 2 name. Columns: queue, if there was one. By the primary key. Its runs stay.
delete from errand_schedules where queue = ?1 and name = ?2 returning queue;
