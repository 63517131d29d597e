-- The first id behind one; null: there is none. 1 id
select min(id) from errand_enqueued where id > ?1;
