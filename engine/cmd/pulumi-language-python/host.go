package main

import (
	"context"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/util/rpcutil"
	"github.com/pulumi/pulumi/sdk/v3/go/common/version"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/protobuf/types/known/emptypb"
)

// engineCheck is how often the host asks whether its engine still lives. An engine that was killed outright can end
// nobody, and a provider without an engine would stay for ever.
const engineCheck = 5 * time.Second

// host is the LanguageRuntime service. Every process that it starts ends with one of its two contexts.
type host struct {
	pulumirpc.UnimplementedLanguageRuntimeServer

	executor string // path of pulumi-language-python-exec
	tracing  string // tracing endpoint for programs, or empty
	engine   string // address of the engine, which programs log to

	running context.Context // ends with the host
	stop    context.CancelFunc
	working context.Context // ends when the engine cancels, or with the host
	abort   context.CancelFunc
}

// follow makes the host end when the engine at this address is gone.
func (h *host) follow(engine string) error {
	h.engine = engine
	return rpcutil.Healthcheck(h.running, engine, engineCheck, h.stop)
}

// Handshake names the engine to a host that was started by hand and attached to.
func (h *host) Handshake(
	_ context.Context, req *pulumirpc.LanguageHandshakeRequest,
) (*pulumirpc.LanguageHandshakeResponse, error) {
	return &pulumirpc.LanguageHandshakeResponse{}, h.follow(req.GetEngineAddress())
}

func (h *host) GetPluginInfo(context.Context, *emptypb.Empty) (*pulumirpc.PluginInfo, error) {
	return &pulumirpc.PluginInfo{Version: version.Version}, nil
}

// Cancel ends programs and installations, not providers: the engine tells those itself, and what they are in the midst
// of creating would be lost from the state with them.
func (h *host) Cancel(context.Context, *emptypb.Empty) (*emptypb.Empty, error) {
	h.abort()
	return &emptypb.Empty{}, nil
}
