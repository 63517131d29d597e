-- 1 queue, 2 name, 3 paused, 4 version. Columns: queue, if there is one. By the primary key.
update errand_schedules set paused = ?3, version = ?4 where queue = ?1 and name = ?2 returning queue;
