-- 1 id
delete from tasks where id = ?1;
