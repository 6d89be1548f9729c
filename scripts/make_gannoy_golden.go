// Makes tests/golden/gannoy: a database by gannoy itself, of its first years (the branch master).
//
// Put this file into a checkout of gannoy as cmd/golden/main.go, then: go run ./cmd/golden
// The vectors follow a formula that the test repeats.
package main

import (
	"fmt"
	"math"

	"github.com/monochromegane/gannoy"
)

const dim = 5

func vector(number int) []float64 {
	made := make([]float64, dim)
	for i := range made {
		made[i] = math.Sin(float64(number*dim + i + 1))
	}
	return made
}

func key(number int) int {
	return number*7 - 50
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func main() {
	must(gannoy.CreateMeta(".", "gannoy-angular", 3, dim, 4))
	index, err := gannoy.NewGannoyIndex("gannoy-angular.meta", gannoy.Angular{}, gannoy.RandRandom{})
	must(err)
	for i := 0; i < 40; i++ {
		must(index.AddItem(key(i), vector(i)))
	}
	for i := 0; i < 40; i += 5 {
		must(index.UpdateItem(key(i), vector(i+1000)))
	}
	for i := 3; i < 40; i += 9 {
		must(index.RemoveItem(key(i)))
	}
	// Refused, and yet gannoy has removed the old item: so key -50 is not in the files.
	fmt.Println(index.UpdateItem(key(0), []float64{1, 2}))
}
