-- 1 id: it does not have its unique key while it runs.
update tasks set unique_held = null where id = ?1;
