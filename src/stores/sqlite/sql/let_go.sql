-- 1 id: it does not have its unique key while it runs.
update errand_ties set unique_held = null where id = ?1;
