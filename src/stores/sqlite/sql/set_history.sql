-- 1 id, 2 history
update tasks set history = ?2 where id = ?1;
