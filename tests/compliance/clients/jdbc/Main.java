// Runs the checks with Oracle's JDBC thin driver and its Universal Connection Pool.

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.sql.*;
import java.util.Map;
import java.util.concurrent.*;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import oracle.jdbc.OracleConnection;

public class Main extends Client {
    static final Map<String, String> LEFT_OUT =
            Map.of(
                    "bind_in_out", "JDBC takes each place of a bind in a block for a bind of its own",
                    "boolean", "no type BOOLEAN in SQL before 23ai",
                    "json", "no type JSON before 21c",
                    "last_rowid", "JDBC does not tell of ROWIDs of its own");

    public static void main(String[] arguments) throws Exception {
        output = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (int i = 0; i < LONG_BYTES.length; i++) LONG_BYTES[i] = (byte) (i % 251);
        task = input.readLine();
        Sessions.add();
        Values.add();
        Statements.add();
        Results.add();
        Work.add();
        output.println("{\"client\": \"Oracle JDBC thin " + new oracle.jdbc.OracleDriver().getMajorVersion() + "."
                + new oracle.jdbc.OracleDriver().getMinorVersion() + "\"}");
        ExecutorService threads = Executors.newCachedThreadPool();
        Matcher names = Pattern.compile("\"(\\w+)\"").matcher(task.replaceAll(".*\"checks\": \\[([^]]*)].*", "$1"));
        while (names.find()) {
            String name = names.group(1);
            Future<String> result = threads.submit(() -> outcome(name));
            String told;
            try {
                told = result.get(30, TimeUnit.SECONDS);
            } catch (TimeoutException error) {
                told = "\"result\": \"fail\", \"detail\": \"no end within 30 seconds\"";
            }
            output.println("{\"check\": \"" + name + "\", " + told + "}");
        }
        System.exit(0);
    }

    static String outcome(String name) {
        if (LEFT_OUT.containsKey(name)) {
            return "\"result\": \"left out\", \"detail\": " + quoted(LEFT_OUT.get(name));
        }
        Check check = CHECKS.get(name);
        if (check == null) return "\"result\": \"fail\", \"detail\": \"not written\"";
        try {
            Connection c = connect();
            try {
                check.run(c);
            } finally {
                c.unwrap(OracleConnection.class).abort(); // its session may have ended
            }
            return "\"result\": \"pass\"";
        } catch (Throwable error) {
            StringWriter told = new StringWriter();
            if (of("verbose").equals("true")) error.printStackTrace(new PrintWriter(told));
            else told.write(error.toString());
            boolean refused = (error + " " + error.getCause()).contains("ORA-03001");
            return "\"result\": \"" + (refused ? "refused" : "fail") + "\", \"detail\": " + quoted(told.toString().trim());
        }
    }
}
