-- A task that had ended is alive again. 1 id, 2 the bit of available
update errand_ties
set live = 1, unique_held = case when unique_key is not null and unique_states & ?2 then 1 end
where id = ?1;
