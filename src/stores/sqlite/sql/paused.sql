-- Columns: name
select name from queues where paused;
