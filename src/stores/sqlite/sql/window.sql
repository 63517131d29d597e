-- The last id of the next rows behind one; null: there are none. 1 id, 2 how many
select max(id) from (select id from errand_enqueued where id > ?1 order by id limit ?2);
