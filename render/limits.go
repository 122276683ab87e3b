package render

import "time"

// limits bounds what a repository, hostile or not, can make rendering cost. They are far above
// what a control plane needs and far below what hurts a node.
type limits struct {
	files    int           // files read
	bytes    int64         // bytes read
	depth    int           // kustomizations, each of which includes the next
	visits   int           // kustomizations entered; one that two others include counts twice
	pods     int           // Pods that one overlay renders
	rendered int           // bytes of the Pods that one overlay renders
	time     time.Duration // for everything
}

var defaultLimits = limits{
	files:    2000,
	bytes:    32 << 20,
	depth:    32,
	visits:   1000,
	pods:     500,
	rendered: 32 << 20,
	time:     30 * time.Second,
}
