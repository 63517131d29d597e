-- What had happened to a schedule in another store, after put_schedule.
-- 1 queue, 2 name, 3 last_slot, 4 last_run, 5 runs, 6 skipped. By the primary key.
update errand_schedules set last_slot = ?3, last_run = ?4, runs = ?5, skipped = ?6 where queue = ?1 and name = ?2;
