package gitsrc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/sideband"
	"github.com/go-git/go-git/v5/plumbing/transport"
)

// remote is one conversation with the repository that commits come from.
//
// Conversations are built here by hand instead of through git.Remote, because
// that picks its transports from a registry which is global to the process:
// deadlines, byte limits and the local transport would have to be installed
// there, for everybody who links go-git.
type remote interface {
	// tip returns the commit that the branch names.
	tip(ctx context.Context, ref plumbing.ReferenceName) (plumbing.Hash, error)
	// download writes a pack with everything that want needs and haves lack.
	download(ctx context.Context, want plumbing.Hash, haves []plumbing.Hash, w *packWriter) error
	close()
}

// connect starts a conversation. For SSH that dials; the others dial with
// their first question.
func (s *Source) connect(ctx context.Context) (remote, error) {
	if s.address.local != "" {
		return openLocal(s.address.local)
	}
	auth, err := s.credentials()
	if err != nil {
		return nil, fmt.Errorf("get credentials: %w", err)
	}
	w := &wire{limits: s.cfg.Limits}
	// A session writes redirects into its endpoint, so each gets its own.
	endpoint := s.address.endpoint
	if endpoint.Protocol == "ssh" {
		w.session, err = dialSSH(ctx, &endpoint, auth, &w.meter)
	} else {
		w.session, err = newHTTPSession(&endpoint, auth, s.cfg.Timeout, &w.meter)
	}
	if err != nil {
		return nil, err
	}
	return w, nil
}

func (s *Source) credentials() (transport.AuthMethod, error) {
	if s.cfg.Auth != nil {
		return s.cfg.Auth()
	}
	if s.address.basic != nil {
		return s.address.basic, nil
	}
	return nil, nil // not s.address.basic: a nil in an interface is not nil
}

// session speaks the pack protocol over one transport. It is the part of
// go-git's transport.UploadPackSession that a fetch needs.
type session interface {
	AdvertisedReferencesContext(context.Context) (*packp.AdvRefs, error)
	UploadPack(context.Context, *packp.UploadPackRequest) (*packp.UploadPackResponse, error)
	io.Closer
}

// wire is a remote behind a network.
type wire struct {
	session session
	limits  Limits
	meter   meter
	refs    *packp.AdvRefs
}

func (w *wire) tip(ctx context.Context, ref plumbing.ReferenceName) (plumbing.Hash, error) {
	w.meter.start("bytes in the list of refs", w.limits.RefListBytes)
	refs, err := w.session.AdvertisedReferencesContext(ctx)
	switch {
	case w.meter.exceeded != nil:
		return plumbing.ZeroHash, w.meter.exceeded
	case errors.Is(err, transport.ErrEmptyRemoteRepository):
		return plumbing.ZeroHash, errNoBranch(ref, nil)
	case err != nil:
		return plumbing.ZeroHash, err
	}
	w.refs = refs
	hash, ok := refs.References[ref.String()]
	if !ok {
		var names []string
		for name := range refs.References {
			names = append(names, name)
		}
		return plumbing.ZeroHash, errNoBranch(ref, names)
	}
	return hash, nil
}

func (w *wire) download(ctx context.Context, want plumbing.Hash, haves []plumbing.Hash, to *packWriter) error {
	// Twice: the pack itself is counted where it is written, this catches a
	// server that sends anything else without end.
	w.meter.start("bytes downloaded", 2*w.limits.FetchBytes)
	err := w.receive(ctx, want, haves, to)
	if w.meter.exceeded != nil {
		return w.meter.exceeded
	}
	return err
}

func (w *wire) receive(ctx context.Context, want plumbing.Hash, haves []plumbing.Hash, to *packWriter) error {
	req := packp.NewUploadPackRequestFromCapabilities(w.refs.Capabilities)
	if w.refs.Capabilities.Supports(capability.NoProgress) {
		if err := req.Capabilities.Set(capability.NoProgress); err != nil {
			return err
		}
	}
	req.Wants = []plumbing.Hash{want}
	req.Haves = haves
	resp, err := w.session.UploadPack(ctx, req)
	if err != nil {
		return err
	}
	defer resp.Close()
	var pack io.Reader = resp
	switch {
	case req.Capabilities.Supports(capability.Sideband64k):
		pack = sideband.NewDemuxer(sideband.Sideband64k, resp)
	case req.Capabilities.Supports(capability.Sideband):
		pack = sideband.NewDemuxer(sideband.Sideband, resp)
	}
	_, err = io.Copy(to, pack)
	return err
}

func (w *wire) close() { _ = w.session.Close() }

// errNoBranch says what there is instead: the usual reason is main or master.
func errNoBranch(ref plumbing.ReferenceName, names []string) error {
	var branches []string
	for _, name := range names {
		if short, ok := strings.CutPrefix(name, "refs/heads/"); ok {
			branches = append(branches, short)
		}
	}
	slices.Sort(branches)
	switch {
	case len(branches) == 0:
		return fmt.Errorf("the repository has no %s: it is empty; push a commit", ref)
	case len(branches) > 5:
		branches = append(branches[:5], "…")
	}
	return fmt.Errorf("the repository has no %s; its branches are %s", ref, strings.Join(branches, ", "))
}

// meter ends a transfer that is larger than it may be.
type meter struct {
	what     string
	limit, n int64
	exceeded *LimitError // kept, because go-git flattens errors into text
}

func (m *meter) start(what string, limit int64) { *m = meter{what: what, limit: limit} }

func (m *meter) add(n int) error {
	m.n += int64(n)
	if m.n > m.limit {
		m.exceeded = &LimitError{What: m.what, Limit: m.limit}
		return m.exceeded
	}
	return nil
}

// meteredReader counts what is read through it.
type meteredReader struct {
	io.ReadCloser
	meter *meter
}

func (r meteredReader) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	if over := r.meter.add(n); over != nil {
		return 0, over
	}
	return n, err
}
