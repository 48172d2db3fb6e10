package com.wms.orders.client;

import com.wms.orders.v1.DeadLetterQueueServiceGrpc;
import com.wms.orders.v1.Event;
import com.wms.orders.v1.FulfillmentServiceGrpc;
import com.wms.orders.v1.OrderServiceGrpc;
import com.wms.orders.v1.ReprocessingServiceGrpc;
import com.wms.orders.v1.StorageServiceGrpc;
import com.wms.orders.v1.WatchOrdersRequest;
import io.grpc.Channel;
import io.grpc.ClientInterceptors;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import java.util.function.Predicate;

/**
 * The Java client of wms-orders: the generated stubs on a channel that does what every caller needs.
 *
 * <pre>{@code
 * try (OrdersClient client = OrdersClient.connect("127.0.0.1:8001")) {
 *   Order order = client.orders().createOrder(CreateOrderRequest.newBuilder()...build()).getOrder();
 * }
 * }</pre>
 *
 * <p>Calls are tried again and have deadlines as the contract's service config says, and changing requests get a
 * request id. {@link Failure#of} reads the reason of an error. Safe for concurrent use.
 */
public final class OrdersClient implements AutoCloseable {
    /** An order of 500 lines and a batch of them are larger than the 4 MiB that gRPC takes by default. */
    private static final int ANSWER_LIMIT = 64 << 20;

    private final ManagedChannel managed;
    private final Channel channel;

    private OrdersClient(ManagedChannel managed) {
        this.managed = managed;
        this.channel = ClientInterceptors.intercept(managed, new RequestIds());
    }

    /** A client of the service at host:port, in plain text. Nothing is sent before the first call. */
    public static OrdersClient connect(String target) {
        return connect(Grpc.newChannelBuilder(target, InsecureChannelCredentials.create()));
    }

    /** A client on a channel that the caller has set up, for example with TLS. */
    public static OrdersClient connect(ManagedChannelBuilder<?> builder) {
        return new OrdersClient(builder
                .defaultServiceConfig(ServiceConfig.asMap())
                .enableRetry()
                .maxInboundMessageSize(ANSWER_LIMIT)
                .build());
    }

    /** The channel under the stubs, for those of another kind: futures, asynchronous ones. */
    public Channel channel() {
        return channel;
    }

    public OrderServiceGrpc.OrderServiceBlockingStub orders() {
        return OrderServiceGrpc.newBlockingStub(channel);
    }

    public ReprocessingServiceGrpc.ReprocessingServiceBlockingStub reprocessing() {
        return ReprocessingServiceGrpc.newBlockingStub(channel);
    }

    public DeadLetterQueueServiceGrpc.DeadLetterQueueServiceBlockingStub deadLetters() {
        return DeadLetterQueueServiceGrpc.newBlockingStub(channel);
    }

    public StorageServiceGrpc.StorageServiceBlockingStub storage() {
        return StorageServiceGrpc.newBlockingStub(channel);
    }

    public FulfillmentServiceGrpc.FulfillmentServiceBlockingStub fulfillment() {
        return FulfillmentServiceGrpc.newBlockingStub(channel);
    }

    /**
     * Follow events, each once and in order, until the consumer says false or the thread is interrupted; see
     * {@link OrderWatch}.
     */
    public void watchOrders(WatchOrdersRequest request, Predicate<Event> consumer) throws InterruptedException {
        new OrderWatch(channel).watch(request, consumer);
    }

    /** Ends all calls. */
    @Override
    public void close() {
        managed.shutdownNow();
    }
}
