-- A waiting task. 1 id, 2 run_at
update errand_enqueued set state = 'available', run_at = ?2 where id = ?1;
