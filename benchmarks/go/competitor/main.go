// Command competitor accepts orders with grpc-go and pgx, in the style of a fast Go service.
//
// A call is one transaction and one round trip: three prepared statements are sent together (pgx.Batch), and the Sync
// after them commits. The settings are the fastest of several measured ones.
package main

import (
	"context"
	"log"
	"net"
	"os"
	"os/signal"
	"strconv"
	"syscall"

	"github.com/jackc/pgx/v5/pgxpool"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	pb "benchmarks/gen/orders"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	pool, err := open(ctx, os.Getenv("DATABASE_URL"), os.Getenv("POOL_SIZE"))
	if err != nil {
		log.Fatal(err)
	}
	defer pool.Close()
	listener, err := net.Listen("tcp", os.Getenv("SERVER_ADDR"))
	if err != nil {
		log.Fatal(err)
	}
	server := grpc.NewServer()
	pb.RegisterOrderServiceServer(server, &orders{pool: pool})
	healthpb.RegisterHealthServer(server, health.NewServer())
	log.Print("ready")
	go func() {
		<-ctx.Done()
		server.GracefulStop()
	}()
	if err := server.Serve(listener); err != nil {
		log.Fatal(err)
	}
}

func open(ctx context.Context, url, size string) (*pgxpool.Pool, error) {
	settings, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, err
	}
	count, err := strconv.ParseInt(size, 10, 32)
	if err != nil {
		return nil, err
	}
	settings.MaxConns = int32(count)
	settings.ConnConfig.RuntimeParams["jit"] = "off"
	return pgxpool.NewWithConfig(ctx, settings)
}
