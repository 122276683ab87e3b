package health

import (
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"
)

// maxMessage bounds one answer: a node's Pods, whole.
const maxMessage = 16 << 20

// dial prepares a connection to a unix socket. It reconnects by itself, within a second: a kubelet that restarts during
// an observation must not blind us for long.
func dial(target string) (*grpc.ClientConn, error) {
	reconnect := backoff.DefaultConfig
	reconnect.BaseDelay = lookInterval / 5
	reconnect.MaxDelay = lookInterval
	return grpc.NewClient(target,
		grpc.WithTransportCredentials(insecure.NewCredentials()), // a root-only socket on this machine
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: reconnect, MinConnectTimeout: askTimeout}),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessage)))
}
