CREATE FUNCTION twice(n integer) RETURNS integer LANGUAGE sql AS $$ SELECT 2 * n; $$;
INSERT INTO orders (item) VALUES ('cake'), ('a; b');
