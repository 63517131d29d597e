-- Waiting tasks whose time had come before the clock went back. 1 now, 2 the latest time there was. Columns: tasks.*
select * from tasks
where finished_at is null and run_at > ?1 and run_at <= ?2;
