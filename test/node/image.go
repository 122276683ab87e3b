package node

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
)

// Image is a container image with one layer, in it one static binary, in /usr/local/bin.
type Image struct {
	Name    string // with its tag
	Program string // path of the binary on this machine
	As      string // what the binary is called in the image
	Env     []string
}

const kubernetesVersion = "v1.37.2"

// Images that nodes have besides the control plane's. App1 and App2 differ in what /version answers.
const (
	PauseImage = "registry.k8s.io/pause:3.10"
	App1       = "perch.test/app:1"
	App2       = "perch.test/app:2"
	Etcd36     = "registry.k8s.io/etcd:3.6.16-0"
	Etcd37     = "registry.k8s.io/etcd:3.7.3-0"
)

func (n *Node) wantedImages() []Image {
	p := n.programs
	images := append([]Image{
		{Name: PauseImage, Program: p.helper("pause"), As: "pause"},
		{Name: App1, Program: p.helper("app"), As: "app", Env: []string{"VERSION=1"}},
		{Name: App2, Program: p.helper("app"), As: "app", Env: []string{"VERSION=2"}},
		{Name: Etcd36, Program: p.etcd("3.6"), As: "etcd"},
		{Name: Etcd37, Program: p.etcd("3.7"), As: "etcd"},
	}, n.options.Images...)
	if n.Standalone {
		return images
	}
	for _, name := range []string{"kube-apiserver", "kube-controller-manager", "kube-scheduler"} {
		images = append(images, Image{Name: "registry.k8s.io/" + name + ":" + kubernetesVersion, Program: p.kube(name), As: name})
	}
	return images
}

// ImportImages makes images and gives them to the running containerd, as a stream in the format of "docker save".
func (n *Node) ImportImages(ctx context.Context, images ...Image) error {
	reader, writer := io.Pipe()
	go func() { writer.CloseWithError(writeArchive(writer, images)) }()
	defer reader.Close() // ends the writer, if ctr ends early
	ctr := exec.CommandContext(ctx, n.programs.ctr(), "--address", filepath.Join(n.Dir, "containerd.sock"), "-n", "k8s.io", "images", "import", "-")
	ctr.Stdin = reader
	if out, err := ctr.CombinedOutput(); err != nil {
		return fmt.Errorf("import images: %w\n%s", err, out)
	}
	return nil
}

type archived struct {
	Config   string
	RepoTags []string
	Layers   []string
}

func writeArchive(to io.Writer, images []Image) error {
	archive := tar.NewWriter(to)
	var manifest []archived
	layers := map[string]bool{}
	for i, image := range images {
		digest, size, err := layerDigest(image)
		if err != nil {
			return err
		}
		layer := digest + ".tar"
		if !layers[layer] {
			layers[layer] = true
			if err := archive.WriteHeader(&tar.Header{Name: layer, Mode: 0o644, Size: size}); err != nil {
				return err
			}
			if err := writeLayer(archive, image); err != nil {
				return err
			}
		}
		config := fmt.Sprintf("config-%d.json", i)
		if err := writeJSON(archive, config, imageConfig(image, digest)); err != nil {
			return err
		}
		manifest = append(manifest, archived{Config: config, RepoTags: []string{image.Name}, Layers: []string{layer}})
	}
	if err := writeJSON(archive, "manifest.json", manifest); err != nil {
		return err
	}
	return archive.Close()
}

func layerDigest(image Image) (digest string, size int64, err error) {
	hash := sha256.New()
	var written counter
	err = writeLayer(io.MultiWriter(hash, &written), image)
	return hex.EncodeToString(hash.Sum(nil)), int64(written), err
}

type counter int64

func (c *counter) Write(b []byte) (int, error) { *c += counter(len(b)); return len(b), nil }

func writeLayer(to io.Writer, image Image) error {
	program, err := os.Open(image.Program)
	if err != nil {
		return fmt.Errorf("make image %s: %w", image.Name, err)
	}
	defer program.Close()
	info, err := program.Stat()
	if err != nil {
		return err
	}
	layer := tar.NewWriter(to)
	if err := layer.WriteHeader(&tar.Header{Name: "usr/local/bin/" + image.As, Mode: 0o755, Size: info.Size()}); err != nil {
		return err
	}
	if _, err := io.Copy(layer, program); err != nil {
		return fmt.Errorf("make image %s: %w", image.Name, err)
	}
	return layer.Close()
}

func imageConfig(image Image, layer string) any {
	return map[string]any{
		"architecture": runtime.GOARCH, "os": "linux",
		"config": map[string]any{
			"Entrypoint": []string{"/usr/local/bin/" + image.As},
			"Env":        append([]string{"PATH=/usr/local/bin"}, image.Env...),
		},
		"rootfs": map[string]any{"type": "layers", "diff_ids": []string{"sha256:" + layer}},
	}
}

func writeJSON(archive *tar.Writer, name string, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	if err := archive.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(text))}); err != nil {
		return err
	}
	_, err = archive.Write(text)
	return err
}
