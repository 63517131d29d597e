-- Waiting tasks that expired. 1 now. Columns: errand_tasks.*. Index: errand_ties_expiring.
select task.* from errand_ties as tie cross join errand_tasks as task
where tie.expires_at is not null and tie.live is not null and tie.expires_at <= ?1 and task.id = tie.id
order by tie.expires_at, tie.id;
