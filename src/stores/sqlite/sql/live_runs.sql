-- The live runs of a schedule. 1 queue, 2 schedule. Columns: id. Index: tasks_runs.
select id from tasks
where queue = ?1 and schedule = ?2 and schedule is not null and finished_at is null
order by id;
