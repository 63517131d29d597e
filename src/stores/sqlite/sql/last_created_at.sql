-- Columns: when the newest task was enqueued.
select created_at from tasks order by id desc limit 1;
