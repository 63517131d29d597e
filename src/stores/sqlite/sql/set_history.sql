-- 1 id, 2 history
update errand_enqueued set history = ?2 where id = ?1;
