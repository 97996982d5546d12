-- Oracle's data dictionary, as views of PostgreSQL's and of our own catalogue.
create schema "SYS";
insert into oracle.users (username) values ('SYS');
create view "SYS"."DUAL" as select 'X'::varchar(1) as "DUMMY";
