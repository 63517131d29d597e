-- 1 id
delete from errand_enqueued where id = ?1;
