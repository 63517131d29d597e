-- Tasks of a queue that nobody had a handler for, of one kind. 1 queue, 2 kind. Columns: errand_tasks.*
select * from errand_tasks where queue = ?1 and kind = ?2 and aside = 'no_handler' and finished_at is null;
