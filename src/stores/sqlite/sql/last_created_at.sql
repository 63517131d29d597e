-- Columns: when the newest task was enqueued.
select created_at from errand_enqueued order by id desc limit 1;
