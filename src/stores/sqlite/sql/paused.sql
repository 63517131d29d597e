-- Columns: name
select name from errand_queues where paused;
