-- 1 id: it may never have its unique key again, whatever its state.
update errand_ties set unique_states = 0, unique_held = null where id = ?1;
