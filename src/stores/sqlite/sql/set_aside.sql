-- 1 id, 2 why claims pass it by, or null
update errand_enqueued set aside = ?2 where id = ?1;
