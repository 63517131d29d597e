-- A task that had ended is alive again. 1 id
update errand_ties set live = 1 where id = ?1;
