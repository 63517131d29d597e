-- Columns: the highest id that is there, or null
select max(id) from errand_enqueued;
