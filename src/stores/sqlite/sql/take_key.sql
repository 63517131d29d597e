-- 1 id: it has its unique key from now on. Nobody else has.
update errand_ties set unique_held = 1 where id = ?1;
