-- 1 id
delete from errand_ties where id = ?1;
