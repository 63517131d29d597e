-- 1 id: it does not have its unique key in the state that it is in.
update errand_ties set unique_held = null where id = ?1;
