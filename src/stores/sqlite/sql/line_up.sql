-- Everything that waits goes into its line, if it is not there. 1 the id from which on some may not be
insert or ignore into errand_waiting (queue, priority, run_at, id)
select queue, priority, run_at, id from errand_enqueued
where id > ?1 and aside is null and not exists (select 1 from errand_ended where errand_ended.id = errand_enqueued.id);
