package main

import (
	"encoding/json"
	"strconv"
	"time"

	pb "benchmarks/gen/orders"
)

// event is the payload of the event, like that of wms-orders.
type event struct {
	Type               string     `json:"type"`
	OrderID            string     `json:"orderId"`
	CustomerID         string     `json:"customerId"`
	WarehouseID        string     `json:"warehouseId"`
	Priority           string     `json:"priority"`
	PromisedDeliveryAt *time.Time `json:"promisedDeliveryAt,omitempty"`
	AllowPartial       bool       `json:"allowPartial"`
	Items              []item     `json:"items"`
	ShippingAddress    address    `json:"shippingAddress"`
	Timestamp          time.Time  `json:"timestamp"`
}

type item struct {
	SKU       string  `json:"sku"`
	Quantity  int32   `json:"quantity"`
	UnitPrice *amount `json:"unitPrice,omitempty"`
}

type amount struct {
	CurrencyCode string `json:"currencyCode"`
	Units        string `json:"units"`
	Nanos        int32  `json:"nanos"`
}

type address struct {
	RecipientName string `json:"recipientName,omitempty"`
	Street        string `json:"street"`
	City          string `json:"city"`
	State         string `json:"state,omitempty"`
	ZipCode       string `json:"zipCode,omitempty"`
	Country       string `json:"country"`
	Phone         string `json:"phone,omitempty"`
}

// columns are the lines of an order as arguments of unnest.
type columns struct {
	skus       []string
	quantities []int32
	currencies []*string
	units      []*int64
	nanos      []*int32
}

// encodeOrder returns the JSON of the event and of the address.
func encodeOrder(order *pb.Order, now time.Time) (payload, shipping []byte, err error) {
	body := event{
		Type:            "wms.order.received",
		OrderID:         order.OrderId,
		CustomerID:      order.CustomerId,
		WarehouseID:     order.WarehouseId,
		Priority:        priorities[order.Priority],
		AllowPartial:    order.AllowPartial,
		Items:           itemsOf(order.Items),
		ShippingAddress: addressOf(order.ShippingAddress),
		Timestamp:       now,
	}
	if order.PromisedDeliveryAt != nil {
		at := order.PromisedDeliveryAt.AsTime()
		body.PromisedDeliveryAt = &at
	}
	if payload, err = json.Marshal(body); err != nil {
		return nil, nil, err
	}
	shipping, err = json.Marshal(body.ShippingAddress)
	return payload, shipping, err
}

func itemsOf(lines []*pb.OrderItem) []item {
	items := make([]item, len(lines))
	for number, line := range lines {
		items[number] = item{SKU: line.Sku, Quantity: line.Quantity}
		if price := line.UnitPrice; price != nil {
			items[number].UnitPrice = &amount{price.CurrencyCode, strconv.FormatInt(price.Units, 10), price.Nanos}
		}
	}
	return items
}

func addressOf(shipping *pb.ShippingAddress) address {
	return address{
		RecipientName: shipping.RecipientName,
		Street:        shipping.Street,
		City:          shipping.City,
		State:         shipping.State,
		ZipCode:       shipping.ZipCode,
		Country:       shipping.Country,
		Phone:         shipping.Phone,
	}
}

func columnsOf(lines []*pb.OrderItem) columns {
	c := columns{
		skus:       make([]string, len(lines)),
		quantities: make([]int32, len(lines)),
		currencies: make([]*string, len(lines)),
		units:      make([]*int64, len(lines)),
		nanos:      make([]*int32, len(lines)),
	}
	for number, line := range lines {
		c.skus[number], c.quantities[number] = line.Sku, line.Quantity
		if price := line.UnitPrice; price != nil {
			c.currencies[number], c.units[number], c.nanos[number] = &price.CurrencyCode, &price.Units, &price.Nanos
		}
	}
	return c
}
