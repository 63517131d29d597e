-- Waiting tasks whose time had come before the clock went back. 1 now, 2 the latest time that is known.
-- Columns: errand_tasks.*. A row says "available" only where its time had come when it was written: that counts as well,
-- since after a crash nobody knows a later time than that of the newest task.
select * from errand_tasks
where finished_at is null and run_at > ?1 and (run_at <= ?2 or state = 'available');
