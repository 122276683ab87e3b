package podcheck

import "testing"

// Whatever Check accepts, the kubelet accepts.
func FuzzCheck(f *testing.F) {
	for _, c := range podCases {
		if len(c.in) < 4096 {
			f.Add([]byte(c.in))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, err := Check(data, "cp-1"); err != nil {
			return
		}
		if err := kubeletRefuses(data, "cp-1"); err != nil {
			t.Errorf("accepted, but the kubelet says: %v", err)
		}
	})
}
