-- 1 id, 2 run_at
update errand_enqueued set run_at = ?2 where id = ?1;
