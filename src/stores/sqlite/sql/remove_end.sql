-- 1 id
delete from errand_ended where id = ?1;
