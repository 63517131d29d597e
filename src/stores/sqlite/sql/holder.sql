-- The task that has a unique key. 1 unique_key. Columns: errand_tasks.*. Index: errand_ties_unique.
select task.* from errand_ties as tie cross join errand_tasks as task
where tie.unique_key = ?1 and tie.unique_held is not null and task.id = tie.id;
