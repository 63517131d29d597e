-- Waiting tasks that expired. 1 now. Columns: tasks.*. Index: tasks_expiring.
select * from tasks
where expires_at is not null and finished_at is null and expires_at <= ?1
order by expires_at, id;
