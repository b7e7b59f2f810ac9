package dev.tenon.samples;

import static dev.tenon.api.EngineId.POSTGRESQL;

import dev.tenon.api.Instance;
import dev.tenon.api.Operation;
import dev.tenon.api.OperationState;
import dev.tenon.api.OperationView;
import dev.tenon.api.Subscription;
import dev.tenon.api.Tenant;
import dev.tenon.api.Tenon;
import dev.tenon.baremetal.LocalDelivery;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** Watches a delivery step by step, and finds the operation again by its id. */
public final class FollowAnOperation {
    private FollowAnOperation() {}

    /** Takes no arguments. */
    public static void main(String[] arguments) {
        follow().forEach(System.out::println);
    }

    static List<String> follow() {
        List<String> lines = new CopyOnWriteArrayList<>();
        try (Tenon tenon = Tenon.builder().delivery(LocalDelivery.create()).build()) {
            Tenant shop = tenon.tenants().create(t -> t.name("shop"));
            // begin
            Operation<Instance> creation = shop.instances().create(i -> i.name("scratch")
                    .engine(POSTGRESQL, "17")
                    .plan("small")
                    .ephemeral(true));
            try (Subscription progress = creation.follow(view -> lines.add(line(view)))) {
                creation.await(Duration.ofMinutes(1));
            }
            OperationState state = shop.operations().get(creation.id()).view().state();
            // end
            lines.add("found again: " + state);
        }
        return List.copyOf(lines);
    }

    private static String line(OperationView view) {
        return view.kind() + " " + view.state() + " " + view.progress() + " %";
    }
}
