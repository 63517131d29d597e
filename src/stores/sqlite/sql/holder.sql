-- The task that has a unique key. 1 unique_key. Columns: tasks.*. Index: tasks_unique.
select * from tasks where unique_key = ?1 and unique_held is not null;
